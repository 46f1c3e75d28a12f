"""How the evaluation of a call goes as a whole, told to the officials who may read all of it."""
