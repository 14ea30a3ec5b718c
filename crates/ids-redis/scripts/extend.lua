-- Keeps a delivery for its worker, also one whose time is over as long as nobody else has received it.
local job, receipt, held_until = ARGV[2], ARGV[3], ARGV[4]
local record = load(job)
if not record or record.receipt ~= receipt then return 0 end
redis.call('ZADD', held, held_until, job)
redis.call('ZREM', line, member(job, record))
-- So that the ledger's idle time is that since the last sign of life.
redis.pcall('XCLAIM', ledger, GROUP, record.worker, 0, receipt, 'JUSTID')
return 1
