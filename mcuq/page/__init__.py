"""A model on a board as one page of HTML: gathered here as data, placed by ``templates/report``."""
