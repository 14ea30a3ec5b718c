-- Empties a session's entry and gives it a new generation: what readers are about to fill is old. Called before a change, with the
-- seconds for which nobody may fill it (whoever changes it may die before he is done), and after it, with 0. ARGV: seconds,
-- milliseconds the entry lives.
local time = redis.call('TIME')
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'generation', time[1] .. '.' .. time[2])
if ARGV[1] ~= '0' then
  redis.call('HSET', KEYS[1], 'closed_until', tonumber(time[1]) + tonumber(ARGV[1]))
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
