-- Take over what dead consumers of the group left pending: those whose heartbeat is gone, and of
-- theirs what is idle for long enough. Being slow is not being dead, so idleness alone is nothing.
-- An entry that was trimmed away vanishes from the pending list as it is claimed: it is lost.
--
-- KEYS  stream, status
-- ARGV  group, consumer, min-idle-time (ms), most entries, prefix of the heartbeats
-- Gives {how many were claimed, ids that are lost}
local stream, status = KEYS[1], KEYS[2]
local group, consumer, idle_ms, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local claimed, lost = 0, {}
local consumers = redis.pcall('XINFO', 'CONSUMERS', stream, group)
if consumers.err then return {0, {}} end

for _, info in ipairs(consumers) do
  local of = {}
  for at = 1, #info, 2 do of[info[at]] = info[at + 1] end
  local room = most - claimed - #lost
  if room > 0 and of['pending'] > 0 and of['name'] ~= consumer
      and redis.call('EXISTS', ARGV[5] .. of['name']) == 0 then
    local ids = {}
    local pending = redis.call('XPENDING', stream, group, 'IDLE', idle_ms, '-', '+', room, of['name'])
    for index, entry in ipairs(pending) do ids[index] = entry[1] end
    if #ids > 0 then
      local present = {}
      -- JUSTID: to be taken over is no attempt, so it does not count as a delivery
      ids[#ids + 1] = 'JUSTID'
      for _, id in ipairs(redis.call('XCLAIM', stream, group, consumer, idle_ms, unpack(ids))) do
        present[id] = true
      end
      ids[#ids] = nil
      for _, id in ipairs(ids) do
        if present[id] then
          claimed = claimed + 1
        else
          redis.call('XACK', stream, group, id)
          lost[#lost + 1] = id
        end
      end
    end
  end
end
if #lost > 0 then redis.call('HINCRBY', status, 'lost_total', #lost) end
return {claimed, lost}
