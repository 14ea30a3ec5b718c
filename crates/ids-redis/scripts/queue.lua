-- What the scripts of a lane share; it stands in front of each of them. All keys carry the lane's hash tag:
--   line      sorted set: what waits and is due. Every score is 0, so that members sort by their bytes: rank, number, job. Ranks are
--             any i64, which a score (a double) cannot hold.
--   due       sorted set: what waits for its time, by that time in microseconds (exact in a double until the year 2255)
--   held      sorted set: what a worker has, by the time until which it is his
--   jobs      hash: one record a job, JSON: rank, number, and where held: receipt, worker, again_at, again_rank
--   ledger    stream with one consumer group: an entry for each delivery in a worker's hands, for people to look at
--             (XPENDING, XINFO CONSUMERS) and as the source of receipts; never the truth
--   arrivals  stream of one entry: who waits reads behind the last entry he saw, so that no arrival falls between look and wait
--   numbers   counter: first come, first served
-- Times come from the caller's clock, in microseconds.
local line, due, held, jobs = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ledger, arrivals, numbers = KEYS[5], KEYS[6], KEYS[7]
local now = ARGV[1]
local GROUP = 'workers'

local function is_error(reply)
  return type(reply) == 'table' and reply.err ~= nil
end

-- The record of a job; nil where there is none or somebody else wrote it.
local function load(job)
  local text = redis.call('HGET', jobs, job)
  if not text then return nil end
  local fine, record = pcall(cjson.decode, text)
  if fine and type(record) == 'table' and type(record.rank) == 'string' and type(record.number) == 'string' then
    return record
  end
  return nil
end

local function save(job, record)
  redis.call('HSET', jobs, job, cjson.encode(record))
end

local function member(job, record)
  return record.rank .. record.number .. job
end

-- Puts a job in line, or where it waits for its time.
local function place(job, record, at)
  if tonumber(at) <= tonumber(now) then
    redis.call('ZADD', line, 0, member(job, record))
  else
    redis.call('ZADD', due, at, job)
  end
end

-- Adds to a stream of ours. Whatever is wrong with it (another type, ids at their end), nothing of it is needed: a new one.
local function append(stream, ...)
  local id = redis.pcall('XADD', stream, ...)
  if is_error(id) and not string.find(id.err, 'OOM', 1, true) then
    redis.call('DEL', stream)
    id = redis.call('XADD', stream, ...)
  end
  if is_error(id) then error(id.err) end
  return id
end

local function announce()
  append(arrivals, 'MAXLEN', 1, '*', 'n', 1)
end

-- Takes a delivery out of the ledger, and its worker when he has nothing else: workers have new names each time they start.
local function strike(record)
  if not record.receipt then return end
  redis.pcall('XACK', ledger, GROUP, record.receipt)
  redis.pcall('XDEL', ledger, record.receipt)
  local others = redis.pcall('XPENDING', ledger, GROUP, '-', '+', 1, record.worker or '')
  if not is_error(others) and #others == 0 then
    redis.pcall('XGROUP', 'DELCONSUMER', ledger, GROUP, record.worker or '')
  end
  record.receipt, record.worker = nil, nil
end
