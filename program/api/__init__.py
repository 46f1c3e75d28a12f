"""The Program's records over the API, and what every resource of the API shares."""
