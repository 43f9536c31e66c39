"""Memory, arithmetic and addressing of digital hardware, after Lemaire et al. (2022)."""
