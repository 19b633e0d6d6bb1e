{-# LANGUAGE OverloadedStrings #-}

-- |
-- Many green threads on one client, and queries that are interrupted.
module Concurrency (concurrency) where

import Control.Concurrent
import Control.Exception
import Control.Monad
import Data.Foldable (for_)
import Data.IORef
import Data.Int (Int64)
import Harness
import Network.Confd
import Sim
import System.CPUTime (getCPUTime)
import System.Directory (listDirectory)
import System.Mem (performMajorGC)
import System.Timeout (timeout)

concurrency :: [Test]
concurrency =
  [ Test "1,000 green threads on one client each get their own answer" . withSimClient [] defaultOptions $ \client -> do
      ends <- forM [0 .. 999 :: Int] $ \number -> spawn $ do
        let (name, role) = cycle roles !! (number `mod` 5)
        ask client (nodeRole name) >>= (`equals` role)
      mapM_ finish ends
      statsOutstanding <$> stats client >>= (`equals` 0)
  , Test "while one query waits, others go on and are answered" . withSilent $ \waiting ->
      withSimClient [] defaultOptions $ \client -> do
        (thread, end) <- spawnNamed (query waiting endless ping)
        eventually "it is asked" $ (== 1) . statsOutstanding <$> stats waiting
        counts <- forM [1, 2 :: Int] $ \_ -> do
          count <- newIORef (0 :: Int)
          done <- spawn . replicateM_ 100 $ do
            _ <- ask client ping
            modifyIORef' count (+ 1)
          pure (count, done)
        inTime 20 $ mapM_ (finish . snd) counts
        mapM (readIORef . fst) counts >>= (`equals` [100, 100])
        statsOutstanding <$> stats waiting >>= (`equals` 1)
        killThread thread
        _ <- takeMVar end
        pure ()
  , Test "on one client, too, a query that waits holds up no other" $
      -- One of three answers: never enough for a query that asks all, always for one that asks one.
      withSimClient ["--fault", "sim2:silent", "--fault", "sim3:silent"] defaultOptions {optionRetry = Just 20} $ \client -> do
        (slow, slowEnd) <- spawnNamed (query client endless {queryCoverage = AllPeers} clusterMaster)
        quick <- forM [1 .. 2 :: Int] $ \_ -> spawn . replicateM_ 20 $
          askWith client endless {queryCoverage = Peers 1} clusterMaster >>= (`equals` "node1.example.com")
        mapM_ finish quick
        statsOutstanding <$> stats client >>= (`equals` 1)
        killThread slow
        died <- takeMVar slowEnd
        either fromException (const Nothing) died `equals` Just ThreadKilled
        statsOutstanding <$> stats client >>= (`equals` 0)
  , Test "waiting queries hold no threads of the system, and no processor" . withSilent $ \client -> do
      _ <- timeout 1000 (ask client ping)
      ends <- forM [1 .. 200 :: Int] $ \_ -> spawnNamed (query client endless ping)
      eventually "they are asked" $ (== 200) . statsOutstanding <$> stats client
      threads <- length <$> listDirectory "/proc/self/task"
      holds ("few threads: " <> show threads) (threads < 30)
      before <- getCPUTime
      _ <- query client defaultQuery {queryTimeout = Just 1000} ping
      after <- getCPUTime
      let milliseconds = (after - before) `div` 1000000000
      holds ("little work in a second: " <> show milliseconds <> " ms") (milliseconds < 500)
      for_ ends $ \(thread, end) -> killThread thread >> takeMVar end
      statsOutstanding <$> stats client >>= (`equals` 0)
  , Test "a time-out cancels the query at once" . withSilent $ \client -> do
      found <- inTime 5 $ timeout 50000 (query client endless ping)
      found `equals` Nothing
      counted <- stats client
      (statsOutstanding counted, statsCancelled counted) `equals` (0, 1)
  , Test "a thread that is killed in the middle cancels its query" . withSilent $ \client -> do
      (thread, end) <- spawnNamed (query client endless ping)
      eventually "it is asked" $ (== 1) . statsOutstanding <$> stats client
      inTime 5 $ killThread thread
      died <- takeMVar end
      either fromException (const Nothing) died `equals` Just ThreadKilled
      counted <- stats client
      (statsOutstanding counted, statsCancelled counted) `equals` (0, 1)
  , Test "the exception that was thrown is the one that arrives" . withSilent $ \client -> do
      (thread, end) <- spawnNamed (query client endless ping)
      eventually "it is asked" $ (== 1) . statsOutstanding <$> stats client
      throwTo thread (userError "enough")
      died <- takeMVar end
      either fromException (const Nothing) died `equals` Just (userError "enough")
  , Test "a masked thread is interruptible while it waits" . withSilent $ \client -> do
      (thread, end) <- spawnNamed (mask_ (query client endless ping))
      eventually "it is asked" $ (== 1) . statsOutstanding <$> stats client
      killThread thread
      died <- takeMVar end
      either fromException (const Nothing) died `equals` Just ThreadKilled
      statsOutstanding <$> stats client >>= (`equals` 0)
  , Test "a query of many datagrams is cancelled whole" . withSilent $ \client -> do
      let many = nodePipsByInstanceIps (replicate 2000 "198.51.100.1") Nothing
      found <- timeout 100000 (query client endless many)
      found `equals` Nothing
      counted <- stats client
      (statsOutstanding counted, statsQueued counted) `equals` (0, 0)
  , Test "a late answer to a cancelled query disturbs nobody" $
      withSimClient ["--fault", "delay_ms=150"] defaultOptions $ \client -> do
        found <- timeout 20000 (query client endless clusterMaster)
        found `equals` Nothing
        ask client clusterMaster >>= (`equals` "node1.example.com")
        ask client ping >>= (`equals` 3000000)
        statsOutstanding <$> stats client >>= (`equals` 0)
  , Test "a result that comes inside another thread's call wakes the one it is for" $
      -- The second query finds the first one's time over; after it nothing happens that would wake anybody.
      withSimClient silent defaultOptions {optionRetry = Just 0} $ \client -> replicateM_ 100 $ do
        first <- spawn (query client defaultQuery {queryTimeout = Just 0} ping)
        yield
        (second, secondEnd) <- spawnNamed (query client endless ping)
        result <- inTime 5 $ timeout 5000000 (takeMVar first)
        fmap (either (const Nothing) (Just . resultOutcome)) result `equals` Just (Just NoReply)
        killThread second
        void (takeMVar secondEnd)
  , Test "threads killed at any moment leave nothing behind" $
      withSimClient ["--fault", "delay_ms=0..20"] defaultOptions $ \client -> do
        ends <- forM [0 .. 499 :: Int] $ \number -> do
          (thread, end) <- spawnNamed (forever (ask client (nodeRole "node2.example.com") >>= (`equals` Candidate)))
          _ <- forkIO (threadDelay (number * 53 `mod` 30000) >> killThread thread)
          pure end
        died <- mapM takeMVar ends
        map (either fromException (const Nothing)) died `equals` map (const (Just ThreadKilled)) ends
        statsOutstanding <$> stats client >>= (`equals` 0)
        ask client clusterMaster >>= (`equals` "node1.example.com")
  , Test "what queries take they give back" . withSimClient ["--fault", "sim3:silent"] defaultOptions $ \client -> do
      let some = do
            ends <- forM [1 .. 8 :: Int] $ \_ -> spawn . replicateM_ 500 $ do
              _ <- askWith client long (nodePipsByInstanceIps ["198.51.100.1", "198.51.100.2"] Nothing)
              void $ timeout 50 (query client endless (nodeRole "nobody"))
            mapM_ finish ends
            -- The finalizers of replies run after it, and those of the last of them by the second.
            performMajorGC >> yield >> performMajorGC
            heapInUse
      -- The library remembers so many salts, and so many queries that somebody owes an answer to, and no more: here
      -- until they are over, so that it does not matter how fast this goes.
      replicateM_ 5 some
      first <- some
      later <- replicateM_ 2 some >> some
      -- The smallest thing that a query has is its salt: 24,000 of them would be 1,152,000 bytes.
      holds ("24,000 queries leave nothing: " <> show (first, later) <> " bytes") (later - first < 500000)
  ]
 where
  long = defaultQuery {queryTimeout = Just 3600000}
  roles =
    [ ("node1.example.com", Master)
    , ("node2.example.com", Candidate)
    , ("node4.example.com", Regular)
    , ("node5.example.com", Drained)
    , ("node6.example.com", Offline)
    ]

-- | Runs it in a thread; 'finish' waits for it and throws what it threw.
spawn :: IO a -> IO (MVar (Either SomeException a))
spawn act = snd <$> spawnNamed act

spawnNamed :: IO a -> IO (ThreadId, MVar (Either SomeException a))
spawnNamed act = do
  end <- newEmptyMVar
  thread <- forkFinally act (putMVar end)
  pure (thread, end)

finish :: MVar (Either SomeException a) -> IO a
finish end = takeMVar end >>= either throwIO pure

foreign import ccall unsafe "heap_in_use"
  heapInUse :: IO Int64
