-- One request of a caller (GCRA, as `ids_core::rate_limit` has it): KEYS[1] is the time at which his bucket is full again, in microseconds
-- of the caller's clock. Returns how long to wait, 0 where he may. All numbers are whole and below 2^53, so that doubles hold them.
local now, interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full_at = tonumber(redis.call('GET', KEYS[1]) or now) or now
if full_at < now then full_at = now end
full_at = full_at + interval
local wait = full_at - now - burst * interval
if wait > 0 then return string.format('%.0f', wait) end
-- A second more than it is needed for: the server's clock is not the caller's.
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', string.format('%.0f', math.ceil((full_at - now) / 1000) + 1000))
return '0'
