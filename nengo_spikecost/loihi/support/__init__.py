"""What NengoLoihi cannot build, or silently runs as something else, said before it is built."""
