"""The pytest plugin. pytest loads it wherever the wheel is installed, so it must load with nothing else installed."""
