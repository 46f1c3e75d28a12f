"""What people of a consortium type; a form refuses what is malformed, never what is missing."""
