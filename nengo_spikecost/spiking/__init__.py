"""How a model is made to spike, said once for all calls: defaults, names of neurons, checks.

`defaults` imports nothing heavy, and the checks import Nengo alone: the command line says what is
wrong before TensorFlow starts.
"""
