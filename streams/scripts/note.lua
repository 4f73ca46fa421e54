-- Write down something about an intent that is SUBMITTING, for whoever settles it after us.
--
-- KEYS  record
-- ARGV  epoch, then fields and values in turn
-- Gives 1 | 0: the record is another's by now, nothing was done
local held = redis.call('HMGET', KEYS[1], 'state', 'epoch')
if held[1] ~= 'SUBMITTING' or held[2] ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 1
