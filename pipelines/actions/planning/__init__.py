"""How plans come about: from reclaimable licences, a leaver, a joiner, or single wishes. All of it only reads."""
