-- Takes a delivery out, or puts it back in line where it was delivered again meanwhile. An old receipt changes nothing.
local job, receipt = ARGV[2], ARGV[3]
local record = load(job)
if not record or record.receipt ~= receipt then return 0 end
redis.call('ZREM', held, job)
redis.call('ZREM', line, member(job, record))
strike(record)
if not record.again_at then
  redis.call('HDEL', jobs, job)
  return 1
end
local at = record.again_at
record.rank, record.again_at, record.again_rank = record.again_rank, nil, nil
save(job, record)
place(job, record, at)
announce()
return 1
