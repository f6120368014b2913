"""The deployment files, made from what the functions, tables and queues say of themselves."""
