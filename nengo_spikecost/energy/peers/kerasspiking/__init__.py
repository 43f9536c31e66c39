"""KerasSpiking's ModelEnergy: mean activation times connections of a Keras model."""
