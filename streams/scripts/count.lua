-- Count a batch exactly once. Of entries that are pending XACK's answer is the token for their
-- counts. Of entries that were only seen, right behind the group's place, that place is it: whoever
-- moves the group past them counts them, and nobody else is ever given them.
-- A batch goes whole or not at all: Redis takes nothing back, so all that can fail is looked at
-- before the first write. A batch of one needs no look at its owner: its XACK answers 1 only once.
--
-- KEYS  stream, status, unknown words, then one bucket for each minute
-- ARGV  group, consumer, field of the high-water id, field that says the group moved, last_ts,
--       bucket's TTL (s), unknown words' TTL (s), fields per bucket, words kept,
--       n, first id, last id, all n ids in order with a space between, where the group stood as
--       they were seen ("": they are pending), then for each bucket m and m pairs of field and
--       count, then m and m pairs of unknown word and count
-- Gives {"COUNTED", how many} | {"SPLIT"}: these are not exactly what the consumer has pending in
--       their range, or the group does not stand there any more; nothing was done |
--       {"MOVED", how} | {"GONE"} | {"SPOILED", key, why}: something else wrote there, nothing was
--       done
local stream, status, unknown = KEYS[1], KEYS[2], KEYS[3]
local group, consumer, high_water_field, moved_field = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local cap, words_kept = tonumber(ARGV[8]), tonumber(ARGV[9])
local n, first_id, last_id, wanted_ids = tonumber(ARGV[10]), ARGV[11], ARGV[12], ARGV[13]
local after, at = ARGV[14], 14
-- unpack fails past about 8,000
local PAGE = 4000
-- five decisions and `overflow` itself always find room
local RESERVED = 6

local function above(one, other)
  local a, b = string.match(one, '^(%d+)-(%d+)$')
  local c, d = string.match(other or '', '^(%d+)-(%d+)$')
  if not c then return true end
  if a ~= c then return #a > #c or (#a == #c and a > c) end
  return #b > #d or (#b == #d and b > d)
end

local function wrong_type(key, wanted)
  local is = redis.call('TYPE', key)['ok']
  return is ~= wanted and is ~= 'none'
end

local function fields_of(info)
  local of = {}
  for index = 1, #info, 2 do of[info[index]] = info[index + 1] end
  return of
end

local function countable(value)
  return not value or (#value < 16 and string.find(value, '^-?%d+$'))
end

for index = 1, #KEYS do
  local wanted = index == 1 and 'stream' or index == 3 and 'zset' or 'hash'
  if wrong_type(KEYS[index], wanted) then
    return {'SPOILED', KEYS[index], 'it is no ' .. wanted}
  end
end

local state = redis.call('HMGET', status, moved_field, high_water_field, 'processed_total', 'last_id')
if state[1] then return {'MOVED', state[1]} end
if not countable(state[3]) then return {'SPOILED', status, 'processed_total is no number'} end

-- what the buckets hold of these fields: false for a new one
local buckets = {}
for index = 4, #KEYS do
  local m = tonumber(ARGV[at + 1])
  local names, held = {}, {}
  for pair = 1, m do names[pair] = ARGV[at + 2 * pair] end
  for first = 1, m, PAGE do
    local page = redis.call('HMGET', KEYS[index], unpack(names, first, math.min(first + PAGE - 1, m)))
    for offset = 1, #page do held[first + offset - 1] = page[offset] end
  end
  for pair = 1, m do
    if not countable(held[pair]) then
      return {'SPOILED', KEYS[index], names[pair] .. ' is no number'}
    end
  end
  if not countable(redis.call('HGET', KEYS[index], 'overflow')) then
    return {'SPOILED', KEYS[index], 'overflow is no number'}
  end
  buckets[index] = {at = at + 1, names = names, held = held}
  at = at + 1 + 2 * m
end

local acknowledged
if after ~= '' then
  local is
  local groups = redis.pcall('XINFO', 'GROUPS', stream)
  for _, info in ipairs(groups) do
    local of = fields_of(info)
    if of['name'] == group then is = of end
  end
  if not is then return {'GONE'} end
  -- a group that was set back may stand there again, with the entries counted already
  if is['last-delivered-id'] ~= after or state[2] and above(state[2], after) then
    return {'SPLIT'}
  end
  local read = is['entries-read']
  local deleted = fields_of(redis.call('XINFO', 'STREAM', stream))['max-deleted-entry-id']
  -- Redis's own lag stays true while nothing was deleted; else it counts for itself
  if read and deleted == '0-0' then
    redis.call('XGROUP', 'SETID', stream, group, last_id, 'ENTRIESREAD', read + n)
  else
    redis.call('XGROUP', 'SETID', stream, group, last_id)
  end
  acknowledged = n
elseif n == 1 then
  acknowledged = redis.call('XACK', stream, group, first_id)
else
  local pending = redis.pcall('XPENDING', stream, group, first_id, last_id, n + 1, consumer)
  if pending.err then return {'GONE'} end
  local ids = {}
  for index = 1, #pending do ids[index] = pending[index][1] end
  if #ids ~= n or table.concat(ids, ' ') ~= wanted_ids then return {'SPLIT'} end
  acknowledged = redis.call('XACK', stream, group, unpack(ids))
end
if acknowledged == 0 then return {'COUNTED', 0} end

for index = 4, #KEYS do
  local key, bucket = KEYS[index], buckets[index]
  local size = redis.call('HLEN', key)
  local overflow = 0
  for pair, name in ipairs(bucket.names) do
    local count = ARGV[bucket.at + 2 * pair]
    if bucket.held[pair] or size < cap - RESERVED or string.sub(name, 1, 9) == 'decision:' then
      redis.call('HINCRBY', key, name, count)
      if not bucket.held[pair] then size = size + 1 end
    else
      overflow = overflow + tonumber(count)
    end
  end
  if overflow > 0 then redis.call('HINCRBY', key, 'overflow', overflow) end
  redis.call('EXPIRE', key, ARGV[6])
end

local words = tonumber(ARGV[at + 1])
if words > 0 then
  for pair = 1, words do
    redis.call('ZINCRBY', unknown, ARGV[at + 2 * pair + 1], ARGV[at + 2 * pair])
  end
  redis.call('ZREMRANGEBYRANK', unknown, 0, -words_kept - 1)
  -- five minutes from its first word on, then it begins anew
  redis.call('EXPIRE', unknown, ARGV[7], 'NX')
end

redis.call('HINCRBY', status, 'processed_total', acknowledged)
if above(last_id, state[4]) then
  redis.call('HSET', status, 'last_id', last_id, 'last_ts', ARGV[5])
end
if above(last_id, state[2]) then redis.call('HSET', status, high_water_field, last_id) end
return {'COUNTED', acknowledged}
