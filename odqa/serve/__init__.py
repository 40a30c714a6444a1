"""Questions over HTTP in, answers as JSON out: a server (the extra ``odqa[serve]``), and a client that needs none."""
