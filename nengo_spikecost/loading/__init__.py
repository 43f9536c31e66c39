"""Models and data from files.

1. Look at the file without Keras: what it is, which Keras wrote it, and the configuration of its
   layers (`model_files`).
2. Look for what Keras itself does not have, and for code that the file brings (`file_contents`):
   unless the user trusts the file, there must be none. Classes of other packages are found if they
   are installed, or given by the user (`custom_objects`).
3. Only then let a Keras make the model: the one that wrote the file (`model_loading`).
"""

from .data_files import load_by_input as load_by_input
from .data_files import load_data as load_data
from .model_files import check_model_file as check_model_file
from .model_files import read_model_file as read_model_file
from .model_files import stored_layer_names as stored_layer_names
from .model_loading import load_model as load_model
from .model_saving import check_model_ending as check_model_ending
from .model_saving import save_model as save_model
