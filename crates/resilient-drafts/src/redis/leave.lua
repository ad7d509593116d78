-- Takes a form away that was moved, if nobody has changed it since it was read.
--
-- KEYS: the form, the account's index. ARGV: mark that was read, form key.
if (redis.call('HGET', KEYS[1], 'mark') or '') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HDEL', KEYS[2], ARGV[2])
return 1
