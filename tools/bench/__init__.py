"""`make bench`: what MailIt costs on this machine, in one table, beside what Postfix with OpenDKIM costs.

CPU time is the measure: it is the same whether the machine is busy or not. Only our own processes count, not the sink
and not the load generator. Nothing here is asserted: a missed target is printed, with by how much.
"""
