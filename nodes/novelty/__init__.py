"""Is an answer new against those given: words, numbers, topics, and how diverse a set is."""
