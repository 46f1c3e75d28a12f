"""The consortium's pages: each fetches what the person may see, calls one service and answers."""
