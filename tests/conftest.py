"""Settings of the whole suite: property tests draw the same examples in every run and know no deadline."""

from hypothesis import settings

settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")
