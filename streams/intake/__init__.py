"""Intake: the company's own topics, turned by the definitions into the topics that netgrowth reads."""
