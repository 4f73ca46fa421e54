-- Raise an alert unless the same, or a graver one, was raised a short while ago. Its key says so
-- for as long as the quiet lasts, whoever raised it, so that neither a restart nor a second
-- consumer nor a repetition after a lost reply raises it again.
-- The stream is cut to about `most` entries, 100 at a time at the most, and never past what any of
-- its groups has pending or was not given yet.
--
-- KEYS  alerts, the key that keeps this one quiet
-- ARGV  rank of the severity (1, 2, 3), for how long it is quiet (s), most entries,
--       then the alert's fields and values in turn
-- Gives {"RAISED", id} | {"QUIET"} | {"SPOILED", key, why}: nothing was done
local alerts, quiet = KEYS[1], KEYS[2]
local rank, most = tonumber(ARGV[1]), tonumber(ARGV[3])
local AT_ONCE = 100

for key, wanted in pairs({[alerts] = 'stream', [quiet] = 'string'}) do
  local is = redis.call('TYPE', key)['ok']
  if is ~= wanted and is ~= 'none' then return {'SPOILED', key, 'it is no ' .. wanted} end
end
-- what stands there and is no rank keeps nothing quiet
local held = tonumber(redis.call('GET', quiet) or '')
if held and held >= rank then return {'QUIET'} end

local function before(one, other)
  local a, b = string.match(one, '^(%d+)-(%d+)$')
  local c, d = string.match(other, '^(%d+)-(%d+)$')
  if a ~= c then return #a < #c or (#a == #c and a < c) end
  return #b < #d or (#b == #d and b < d)
end

local function cut()
  local over = redis.call('XLEN', alerts) - most
  if over <= 0 then return end
  local head = redis.call('XRANGE', alerts, '-', '+', 'COUNT', math.min(over, AT_ONCE) + 1)
  local keep_from = head[#head][1]
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', alerts)) do
    local of = {}
    for at = 1, #info, 2 do of[info[at]] = info[at + 1] end
    local needs = of['last-delivered-id']
    if of['pending'] > 0 then
      local oldest = redis.call('XPENDING', alerts, of['name'])[2]
      if before(oldest, needs) then needs = oldest end
    end
    if before(needs, keep_from) then keep_from = needs end
  end
  redis.call('XTRIM', alerts, 'MINID', keep_from)
end

redis.call('SET', quiet, rank, 'EX', ARGV[2])
local fields = {}
for index = 4, #ARGV do fields[index - 3] = ARGV[index] end
local id = redis.call('XADD', alerts, '*', unpack(fields))
cut()
return {'RAISED', id}
