-- Takes the forms out of an account's index that are no more.
--
-- KEYS: the index, then forms. ARGV: those forms' keys in the index, in the same order.
for at = 2, #KEYS do
  if redis.call('EXISTS', KEYS[at]) == 0 then redis.call('HDEL', KEYS[1], ARGV[at - 1]) end
end
