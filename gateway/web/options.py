"""OPTIONS: which methods a path takes."""

from __future__ import annotations

from litestar import Litestar
from litestar.routes import HTTPRoute


def name_all_methods(app: Litestar) -> None:
    """Have each path's answer made anew: of one that took another method later, it names the first alone."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            options = route.create_options_handler(route.path)
            options.owner = app
            options.on_registration(app)
            route.route_handler_map["OPTIONS"] = (options, options.create_kwargs_model(route.path_parameters))
