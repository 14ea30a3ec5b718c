-- Hands out the first of a lane that is due and that nobody holds (any more): smallest rank, then first come. Returns
-- {1, job, receipt, foreign}, or {0, when to look again, the last arrival seen, foreign}; `foreign` counts what others wrote.
local held_until, worker = ARGV[2], ARGV[3]
local foreign = 0

-- Moves what has become due into line: in its order, so all of it. Each comes by here once; the bound is for the worst of days.
local function promote(from)
  for _, job in ipairs(redis.call('ZRANGEBYSCORE', from, '-inf', now, 'LIMIT', 0, 10000)) do
    local record = load(job)
    if record then
      redis.call('ZADD', line, 0, member(job, record))
    else
      foreign = foreign + 1
    end
    redis.call('ZREM', from, job)
  end
end

-- Enters a delivery into the ledger, and into the pending list of its worker; returns its id. What stands before it there, others
-- wrote: each of ours is read when it is written.
local function enter(job)
  local id = append(ledger, '*', 'job', job)
  for _ = 1, 1000 do
    local read = redis.pcall('XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', 1000, 'STREAMS', ledger, '>')
    if is_error(read) then
      -- No group: it is new, or all of Redis was lost.
      if is_error(redis.pcall('XGROUP', 'CREATE', ledger, GROUP, '0')) then return id end
    elseif not read then
      return id
    else
      for _, entry in ipairs(read[1][2]) do
        if entry[1] == id then return id end
        redis.call('XACK', ledger, GROUP, entry[1])
        redis.call('XDEL', ledger, entry[1])
        foreign = foreign + 1
      end
    end
  end
  return id
end

promote(due)
promote(held)
for _ = 1, 10000 do
  local first = redis.call('ZRANGE', line, 0, 0)[1]
  if not first then break end
  local job = string.sub(first, 33)
  local record = load(job)
  if record and member(job, record) == first and #job == 73 and string.find(job, '^[%x-]+/[%x-]+$') then
    strike(record)
    record.receipt, record.worker = enter(job), worker
    record.again_at, record.again_rank = nil, nil
    save(job, record)
    redis.call('ZADD', held, held_until, job)
    redis.call('ZREM', line, first)
    return { 1, job, record.receipt, foreign }
  end
  redis.call('ZREM', line, first)
  if record == nil then redis.call('HDEL', jobs, job) end
  foreign = foreign + 1
end

local look_again = ''
for _, from in ipairs({ due, held }) do
  local at = redis.call('ZRANGE', from, 0, 0, 'WITHSCORES')[2]
  if at and (look_again == '' or tonumber(at) < tonumber(look_again)) then look_again = at end
end
local last = redis.pcall('XREVRANGE', arrivals, '+', '-', 'COUNT', 1)
local seen = '0-0'
if not is_error(last) and last[1] then seen = last[1][1] end
return { 0, look_again, seen, foreign }
