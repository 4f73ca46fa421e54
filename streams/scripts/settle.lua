-- Give one pending entry its effects and acknowledge it, all or nothing: XACK's answer is the token
-- for the writes. Redis takes nothing back, so every type is looked at before the XACK.
--
-- KEYS  stream, status, then one key for each write
-- ARGV  group, consumer, field of the high-water id, field that says the group moved, id,
--       then for each write its command, how many words follow, and these words (without the key)
-- Gives {"SETTLED", answers of the writes} | {"NOT_OURS"}: settled before, or another's; nothing
--       was done | {"MOVED", how} | {"GONE"} | {"SPOILED", key, why}: nothing was done
local TYPES = {
  XADD = 'stream', HSET = 'hash', HINCRBY = 'hash', ZINCRBY = 'zset', ZADD = 'zset', SADD = 'set',
  SET = 'string', INCRBY = 'string', EXPIRE = '', DEL = '',
}
local COUNTERS = {INCRBY = 1, HINCRBY = 2}
local stream, status = KEYS[1], KEYS[2]
local group, consumer, high_water_field, moved_field, id = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local function countable(value)
  return not value or (#value < 16 and string.find(value, '^-?%d+$'))
end

local function above(one, other)
  local a, b = string.match(one, '^(%d+)-(%d+)$')
  local c, d = string.match(other, '^(%d+)-(%d+)$')
  if a ~= c then return #a > #c or (#a == #c and a > c) end
  return #b > #d or (#b == #d and b > d)
end

local writes, at = {}, 5
for index = 3, #KEYS do
  local key, command, many = KEYS[index], ARGV[at + 1], tonumber(ARGV[at + 2])
  local wanted = TYPES[command]
  if not wanted then return redis.error_reply('ERR settle knows no ' .. tostring(command)) end
  local is = redis.call('TYPE', key)['ok']
  if wanted ~= '' and is ~= wanted and is ~= 'none' and command ~= 'SET' then
    return {'SPOILED', key, 'it is no ' .. wanted}
  end
  local held = command == 'INCRBY' and redis.call('GET', key)
    or command == 'HINCRBY' and redis.call('HGET', key, ARGV[at + 3])
  if COUNTERS[command] and not countable(held) then
    return {'SPOILED', key, 'what it counts is no number'}
  end
  local words = {command, key}
  for word = 1, many do words[word + 2] = ARGV[at + 2 + word] end
  writes[#writes + 1] = words
  at = at + 2 + many
end

local state = redis.call('HMGET', status, moved_field, high_water_field)
if state[1] then return {'MOVED', state[1]} end
local pending = redis.pcall('XPENDING', stream, group, id, id, 1, consumer)
if pending.err then return {'GONE'} end
if #pending == 0 then return {'NOT_OURS'} end
redis.call('XACK', stream, group, id)

local answers = {}
for index, words in ipairs(writes) do answers[index] = redis.call(unpack(words)) end
redis.call('HINCRBY', status, 'processed_total', 1)
if not state[2] or above(id, state[2]) then redis.call('HSET', status, high_water_field, id) end
return {'SETTLED', answers}
