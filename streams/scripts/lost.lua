-- Acknowledge pending entries whose content was trimmed away, and count each once as lost.
--
-- KEYS  stream, status
-- ARGV  group, ids
-- Gives the ids that were pending
local lost = {}
for index = 2, #ARGV do
  if redis.call('XACK', KEYS[1], ARGV[1], ARGV[index]) == 1 then lost[#lost + 1] = ARGV[index] end
end
if #lost > 0 then redis.call('HINCRBY', KEYS[2], 'lost_total', #lost) end
return lost
