-- Pass over what waits, once for each start, and write down what was passed over. Not while anything
-- is pending, nor while another consumer of the group lives: what waits is its work.
--
-- KEYS  stream, status, skipped
-- ARGV  group, consumer, field of the high-water id, prefix of the heartbeats, token of this start,
--       last-delivered-id as it was when the ids were read, the new one, then the ledger's words
-- Gives {"SKIPPED", id in the ledger} | {"DONE"}: this start did it before | {"PENDING", how many}
--     | {"OTHERS", a name} | {"CHANGED"}: the group stands elsewhere by now | {"GONE"}
local stream, status, skipped, group, consumer = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2]
local is = redis.call('TYPE', skipped)['ok']
if is ~= 'stream' and is ~= 'none' then
  return redis.error_reply('WRONGTYPE ' .. skipped .. ' is no stream')
end
if redis.call('HGET', status, 'skip_token') == ARGV[5] then return {'DONE'} end

local function named(info)
  local of = {}
  for at = 1, #info, 2 do of[info[at]] = info[at + 1] end
  return of
end

local stands
local groups = redis.pcall('XINFO', 'GROUPS', stream)
if groups.err then return {'GONE'} end
for _, info in ipairs(groups) do
  local of = named(info)
  if of['name'] == group then stands = of end
end
if not stands then return {'GONE'} end
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
  local name = named(info)['name']
  if name ~= consumer and redis.call('EXISTS', ARGV[4] .. name) == 1 then
    return {'OTHERS', name}
  end
end
if stands['pending'] > 0 then return {'PENDING', stands['pending']} end
if stands['last-delivered-id'] ~= ARGV[6] then return {'CHANGED'} end
redis.call('HSET', status, 'skip_token', ARGV[5])
if ARGV[7] == ARGV[6] then return {'DONE'} end
redis.call('XGROUP', 'SETID', stream, group, ARGV[7])
redis.call('HSET', status, ARGV[3], ARGV[7])
return {'SKIPPED', redis.call('XADD', skipped, '*', unpack(ARGV, 8))}
