"""Random networks of all kinds through everything the package does, for as long as one likes.

``python -m tests.soak`` runs them (`make soak`). A network is made from one whole number, its seed,
which also decides what kind of network it is: ``--only SEED`` makes the same one again.

* `registry` has the kinds of networks and the checks, each one function.
* `keras_kinds`, `native_kinds`, `chip_kinds` make networks; ``*_checks`` hold them against what
  this package has not written: Keras, ``nengo.Simulator``, NengoLoihi, dense matrices.
* `one_network` does all checks of one seed; `worker` is a process that does many; `supervisor`
  starts workers, ends those that take too long, and collects what they say.
* `results` counts, prints and writes it; ``tools/soak_page.py`` puts it on the page docs/soak.md.
"""
