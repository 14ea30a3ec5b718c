-- Puts a job in line, or moves it: one that nobody holds takes the new rank and time, and keeps its number; one that a worker
-- holds stays his, and notes that it is to come back in line when he acknowledges.
local job, rank, at = ARGV[2], ARGV[3], ARGV[4]
local record = load(job)
if record and record.receipt then
  local held_until = redis.call('ZSCORE', held, job)
  if held_until and tonumber(held_until) > tonumber(now) then
    record.again_at, record.again_rank = at, rank
    save(job, record)
    return 0
  end
end
local before = record and member(job, record)
if record then
  strike(record)
  record.again_at, record.again_rank = nil, nil
else
  record = { number = string.format('%016.0f', redis.call('INCR', numbers)) }
end
record.rank = rank
save(job, record)
if before then
  redis.call('ZREM', line, before)
  redis.call('ZREM', due, job)
  redis.call('ZREM', held, job)
end
place(job, record, at)
announce()
return 1
