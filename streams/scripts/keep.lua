-- Write down how an intent's protective orders stand, as who watches them; or that they are over.
--
-- KEYS  record, protected, protected of the symbol, alerts
-- ARGV  JSON: {identity, epoch (of the watch), fields, alert ([]: none), next_ms: when to look
--       again; "": it is over, until_ms ("" to give the lease up), ttl_s, book ([[key, fields]] for paper)}
-- Gives 1 | 0: another watches by now, nothing was done
local record, protected, of_symbol, alerts = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local asked = cjson.decode(ARGV[1])
local is = redis.call('TYPE', alerts)['ok']
if is ~= 'stream' and is ~= 'none' then
  return redis.error_reply('WRONGTYPE ' .. alerts .. ' is no stream')
end
if redis.call('HGET', record, 'watch_epoch') ~= asked.epoch then return 0 end
if #asked.fields > 0 then redis.call('HSET', record, unpack(asked.fields)) end
for _, order in ipairs(asked.book) do redis.call('HSET', order[1], unpack(order[2])) end
if #asked.alert > 0 then redis.call('XADD', alerts, '*', unpack(asked.alert)) end
if asked.next_ms == '' then
  redis.call('ZREM', protected, asked.identity)
  redis.call('SREM', of_symbol, asked.identity)
  redis.call('HDEL', record, 'watch_until_ms')
  redis.call('EXPIRE', record, asked.ttl_s)
else
  redis.call('ZADD', protected, 'XX', asked.next_ms, asked.identity)
  if asked.until_ms == '' then
    redis.call('HDEL', record, 'watch_until_ms')
  else
    redis.call('HSET', record, 'watch_until_ms', asked.until_ms)
  end
end
return 1
