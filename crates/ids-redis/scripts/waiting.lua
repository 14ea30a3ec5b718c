-- How many are due and in nobody's hands.
return redis.call('ZCARD', line) + redis.call('ZCOUNT', due, '-inf', now) + redis.call('ZCOUNT', held, '-inf', now)
