"""`check_support`: parts of a network that NengoLoihi refuses, or silently runs otherwise."""
