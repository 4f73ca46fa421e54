-- Say whether the group stands where it can be read from: not gone, not below what was counted.
-- Runs in one MULTI with the read that follows it. The read cannot be held back there, so a group
-- that moved is marked, and while the mark stands count.lua counts nothing. Where the group stands
-- is kept as its high-water id, for consumers whose own scripts do not raise it.
--
-- KEYS  stream, status
-- ARGV  group, field of the high-water id, field that says the group moved
-- Gives {"OK", last-delivered-id} | {"MOVED", how}
local function below(one, other)
  local a, b = string.match(one, '^(%d+)-(%d+)$')
  local c, d = string.match(other, '^(%d+)-(%d+)$')
  if a ~= c then return #a < #c or (#a == #c and a < c) end
  return #b < #d or (#b == #d and b < d)
end

local known = redis.call('HMGET', KEYS[2], ARGV[3], ARGV[2])
if known[1] then return {'MOVED', known[1]} end

local stands
local groups = redis.pcall('XINFO', 'GROUPS', KEYS[1])
for _, info in ipairs(groups) do
  local of = {}
  for at = 1, #info, 2 do of[info[at]] = info[at + 1] end
  if of['name'] == ARGV[1] then stands = of['last-delivered-id'] end
end

local how
if not stands then
  how = 'gone, counted up to ' .. (known[2] or '0-0')
elseif known[2] and below(stands, known[2]) then
  how = 'back at ' .. stands .. ', counted up to ' .. known[2]
end
if how then
  redis.call('HSET', KEYS[2], ARGV[3], how)
  return {'MOVED', how}
end
if not known[2] or below(known[2], stands) then
  redis.call('HSET', KEYS[2], ARGV[2], stands)
end
return {'OK', stands}
