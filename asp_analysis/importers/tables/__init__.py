"""What all tables share: the names, numbers and times of other people become checked records of the store."""
