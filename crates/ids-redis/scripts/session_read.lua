-- A field of a session's entry, with the entry's generation, under which alone a reader may fill it; an empty one while somebody changes
-- the session. KEYS[1] is the entry, ARGV: field, milliseconds the entry lives.
local found = redis.call('HMGET', KEYS[1], 'generation', 'closed_until', ARGV[1])
local generation, closed_until = found[1], found[2]
local time = redis.call('TIME')
if closed_until and tonumber(time[1]) < tonumber(closed_until) then return { '', false } end
if not generation then
  -- By the time, not counted from 1: after a loss of all keys no generation may come back.
  generation = time[1] .. '.' .. time[2]
  redis.call('HSET', KEYS[1], 'generation', generation)
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return { generation, found[3] }
