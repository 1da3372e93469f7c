"""The inspector's connection: a thread of its own that keeps a link, follows the streams and carries commands."""
