"""``flask.sansio``: what applications and blueprints have in common without a server."""
