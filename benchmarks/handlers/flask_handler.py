"""The app of flask_app.py on the layer."""

from flask_app import app

from lambda_streamify import wsgi

handler = wsgi.handler(app)
