"""HTTP as all front ends speak it: the server, who may ask, and headers."""
