ROOT_URLCONF = "urls"

# Function URLs and the emulator; add your own domain.
ALLOWED_HOSTS = [".on.aws", "localhost", "127.0.0.1"]

# Nothing here signs anything. Sessions and forms need a SECRET_KEY: read it from an environment variable.
