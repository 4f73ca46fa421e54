-- Move one pending entry of ours to the dead letters and acknowledge it, both or neither.
-- Its fields are kept as they came, as a JSON list of names and values in turn.
--
-- KEYS  stream, dead letters, status
-- ARGV  group, consumer, id, reason, when (ms)
-- Gives {"MOVED", id of the dead letter} | {"LOST"}: it was trimmed away, acknowledged and counted |
--       {"NOT_OURS"}: nothing was done
local stream, dead, status = KEYS[1], KEYS[2], KEYS[3]
local group, consumer, id = ARGV[1], ARGV[2], ARGV[3]
local is = redis.call('TYPE', dead)['ok']
if is ~= 'stream' and is ~= 'none' then
  return redis.error_reply('WRONGTYPE ' .. dead .. ' is no stream')
end

local pending = redis.pcall('XPENDING', stream, group, id, id, 1, consumer)
if pending.err or #pending == 0 then return {'NOT_OURS'} end
local found = redis.call('XRANGE', stream, id, id)
redis.call('XACK', stream, group, id)
if #found == 0 then
  redis.call('HINCRBY', status, 'lost_total', 1)
  return {'LOST'}
end
redis.call('HINCRBY', status, 'dead_lettered_total', 1)
return {'MOVED', redis.call('XADD', dead, '*',
  'original_id', id, 'fields', cjson.encode(found[1][2]), 'reason', ARGV[4],
  'deliveries', pending[1][4], 'consumer', consumer, 'group', group, 'when', ARGV[5])}
