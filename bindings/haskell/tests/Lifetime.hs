{-# LANGUAGE OverloadedStrings #-}

-- |
-- The end of clients, and what goes with it.
module Lifetime (lifetime) where

import Control.Concurrent
import Control.Exception
import Control.Monad
import Data.IORef
import qualified Data.Text as Text
import Harness
import Network.Confd
import Sim
import System.Directory (listDirectory)
import System.Exit (ExitCode (..))
import System.Mem (performMajorGC)
import System.Posix.IO (closeFd, dup, stdError)
import System.Posix.Process
import System.Posix.Resource

lifetime :: [Test]
lifetime =
  [ Test "closing from another thread ends the queries that wait" . withSilent $ \client -> do
      ends <- forM [1 .. 100 :: Int] $ \_ -> do
        end <- newEmptyMVar
        end <$ forkFinally (query client endless ping) (putMVar end)
      eventually "they are asked" $ (== 100) . statsOutstanding <$> stats client
      closed <- newEmptyMVar
      _ <- forkFinally (closeClient client) (putMVar closed)
      inTime 5 (takeMVar closed) >>= either throwIO pure
      forM_ ends $ \end -> failsWith Closed (takeMVar end >>= either throwIO pure)
  , Test "after closing there is nothing but Closed" . withSilent $ \client -> do
      closeClient client
      failsWith Closed (ask client ping)
      failsWith Closed (query client endless clusterMaster)
      failsWith Closed (stats client)
      failsWith Closed (peerStats client)
      failsWith Closed (updatePeers client ["192.0.2.1"])
      failsWith Closed (setHmacKey client "key")
      failsWith Closed (reload client)
      closeClient client
  , Test "any number of threads may close" . withSilent $ \client -> do
      ends <- forM [1 .. 20 :: Int] $ \_ -> do
        end <- newEmptyMVar
        end <$ forkFinally (closeClient client) (putMVar end)
      inTime 5 $ forM_ ends (takeMVar >=> either throwIO pure)
  , Test "closing while threads ask leaves them Closed or answered" $
      withSim [] $ \sim -> replicateM_ 20 $ do
        client <- newClient defaultOptions (simKey sim) (simPeers sim)
        ends <- forM [1 .. 20 :: Int] $ \_ -> do
          end <- newEmptyMVar
          end <$ forkFinally (forever (ask client clusterMaster >>= (`equals` "node1.example.com"))) (putMVar end)
        _ <- ask client ping
        closeClient client
        forM_ ends $ \end -> failsWith Closed (takeMVar end >>= either throwIO pure)
  , Test "an exception in the body closes the client" . withSim [] $ \sim -> do
      kept <- newIORef Nothing
      ended <- try . withClient defaultOptions (simKey sim) (simPeers sim) $ \client -> do
        writeIORef kept (Just client)
        throwIO (userError "body")
      ended `equals` (Left (userError "body") :: Either IOException ())
      readIORef kept >>= maybe (pure ()) (failsWith Closed . (`ask` ping))
  , Test "no descriptor is leaked" . withSim [] $ \sim -> do
      let once = withClient defaultOptions (simKey sim) (simPeers sim) (`ask` ping)
      _ <- once
      before <- descriptors
      replicateM_ 100 once
      replicateM_ 20 $ failsWith BadPeer (newClient defaultOptions "key" ["nowhere"])
      after <- descriptors
      after `equals` before
  , Test "a client that nobody has any more is closed by the garbage collector" . withSim [] $ \sim -> do
      before <- descriptors
      replicateM_ 10 $ do
        client <- newClient defaultOptions {optionLog = Just (LogDebug, \_ _ -> pure ())} (simKey sim) (simPeers sim)
        ask client ping
      eventually "its descriptors are closed" $ do
        performMajorGC
        (<= before) <$> descriptors
  , Test "the garbage collector does not close a client that a query waits on" $
      withSim ["--fault", "delay_ms=200"] $ \sim -> do
        end <- newEmptyMVar
        _ <- forkFinally (newClient defaultOptions (simKey sim) (simPeers sim) >>= (`ask` clusterMaster)) (putMVar end)
        let wait = do
              performMajorGC
              done <- tryTakeMVar end
              maybe (yield >> wait) pure done
        wait >>= either throwIO (`equals` "node1.example.com")
  , Test "the log gets its lines, in spite of a function that throws" . withSim ["--fault", "sim1:wrong_signature"] $ \sim -> do
      lines' <- newIORef []
      let say level line = do
            atomicModifyIORef' lines' (\known -> ((level, line) : known, ()))
            throwIO (userError "the log throws")
      withClient defaultOptions {optionLog = Just (LogDebug, say)} (simKey sim) (simPeers sim) $ \client -> do
        replicateM_ 5 $ query client defaultQuery {queryCoverage = AllPeers} ping
        eventually "a line says what was dropped" $ any ((== LogDebug) . fst) <$> readIORef lines'
      after <- length <$> readIORef lines'
      performMajorGC
      length <$> readIORef lines' >>= (`equals` after)
      readIORef lines' >>= mapM_ (holds "a line is not empty" . not . Text.null . snd)
  , Test "the log is passed on whole before closing returns" . withSim ["--fault", "wrong_signature"] $ \sim -> do
      gate <- newEmptyMVar
      count <- newIORef (0 :: Int)
      let say _ _ = readMVar gate >> atomicModifyIORef' count (\n -> (n + 1, ()))
      client <- newClient defaultOptions {optionLog = Just (LogDebug, say)} (simKey sim) (simPeers sim)
      _ <- query client defaultQuery {queryTimeout = Just 100} ping
      closed <- newEmptyMVar
      _ <- forkIO (closeClient client >> putMVar closed ())
      eventually "it is closed" $ either ((== Closed) . confdCode) (const False) <$> try (stats client)
      readIORef count >>= (`equals` 0)
      putMVar gate ()
      takeMVar closed
      passed <- readIORef count
      holds ("the lines are there: " <> show passed) (passed >= 3)
  , Test "the log function may close the client" . withSim ["--fault", "wrong_signature"] $ \sim -> do
      known <- newEmptyMVar
      closed <- newEmptyMVar
      let say _ _ = readMVar known >>= closeClient >> void (tryPutMVar closed ())
      client <- newClient defaultOptions {optionLog = Just (LogDebug, say)} (simKey sim) (simPeers sim)
      putMVar known client
      failsWith Closed (query client endless ping)
      inTime 5 $ takeMVar closed
      closeClient client
  , Test "after a fork the client is the parent's" . withSim [] $ \sim ->
      withClient defaultOptions {optionLog = Just (LogDebug, \_ _ -> pure ())} (simKey sim) (simPeers sim) $ \client -> do
        ask client ping >>= (`equals` 3000000)
        child <- forkProcess $ do
          failsWith Closed (ask client ping)
          failsWith Closed (stats client)
          closeClient client
          closeClient client
          failsWith Closed (ask client ping)
        status <- getProcessStatus True False child
        status `equals` Just (Exited ExitSuccess)
        ask client clusterMaster >>= (`equals` "node1.example.com")
  , Test "a descriptor beyond what select() takes never ends the program" . withSim [] $ \sim -> do
      raise
      let once = withClient defaultOptions (simKey sim) (simPeers sim) (`ask` ping)
      bracket (replicateM 1100 (dup stdError)) (mapM_ closeFd) $ \_ ->
        if rtsSupportsBoundThreads then once >>= (`equals` 3000000) else failsWithDetail IoError "-threaded" once
      once >>= (`equals` 3000000)
  ]
 where
  raise = do
    limits <- getResourceLimit ResourceOpenFiles
    setResourceLimit ResourceOpenFiles limits {softLimit = hardLimit limits}

-- | How many descriptors the program has open.
descriptors :: IO Int
descriptors = length <$> listDirectory "/proc/self/fd"
