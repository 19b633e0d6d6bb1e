{-# LANGUAGE OverloadedStrings #-}

-- |
-- Exceptions: which, with what detail, in what hierarchy. And the calls that change a client.
module Failures (failures) where

import Control.Concurrent
import Control.Exception
import Control.Monad (forM, replicateM_)
import qualified Data.ByteString.Char8 as Char8
import qualified Data.Text as Text
import qualified Data.Text.IO as Text
import Harness
import Network.Confd
import Sim
import System.Directory

failures :: [Test]
failures =
  [ Test "clients that cannot be made say why" $ do
      failsWith NoPeers (newClient defaultOptions "key" [])
      failsWithDetail BadPeer "node7" (newClient defaultOptions "key" ["192.0.2.1", "node7"])
      failsWith MixedFamilies (newClient defaultOptions "key" ["192.0.2.1", "2001:db8::1"])
      failsWith InvalidArgument (newClient defaultOptions "" ["192.0.2.1"])
      failsWith InvalidArgument (newClient defaultOptions "key" ["192.0.2.1\0"])
      failsWithDetail InvalidArgument "port" (newClient defaultOptions {optionPort = Just 0} "key" ["192.0.2.1"])
      failsWithDetail InvalidArgument "optionRetry" $
        newClient defaultOptions {optionRetry = Just 2147483648} "key" ["192.0.2.1"]
      failsWithDetail InvalidArgument "optionMaxRequestBytes" $
        newClient defaultOptions {optionMaxRequestBytes = Just 0} "key" ["192.0.2.1"]
      failsWith IoError (newClient defaultOptions {optionBindAddress = Just "192.0.2.77"} "key" ["192.0.2.1"])
      failsWith InvalidArgument (newClient defaultOptions {optionBindAddress = Just "nowhere"} "key" ["192.0.2.1"])
  , Test "queries that cannot be asked say why" . withSilent $ \client -> do
      failsWith CoverageTooBig (query client defaultQuery {queryCoverage = Peers 4} ping)
      failsWith InvalidArgument (query client defaultQuery {queryCoverage = Peers 0} ping)
      failsWith InvalidArgument (query client defaultQuery {queryTimeout = Just (-1)} ping)
      failsWith InvalidArgument (query client defaultQuery {queryTimeout = Just 2147483648} ping)
      failsWith RequestTooBig (ask client (nodeRole (Text.replicate 5000 "n")))
      failsWith InvalidArgument (ask client (nodeRole "node1\0"))
      failsWith BadRequestType (ask client (rawRequest 12 "null"))
      failsWith InvalidArgument (ask client (rawRequest 0 "{"))
      counted <- stats client
      (statsRequests counted, statsOutstanding counted) `equals` (0, 0)
  , Test "no answer is an exception of ask, and a result of query" . withSilent $ \client -> do
      let soon = defaultQuery {queryTimeout = Just 100}
      try (askWith client soon ping) >>= (`equals` Left (NobodyReplied 3))
      result <- query client soon ping
      (resultOutcome result, resultReply result, resultSent result) `equals` (NoReply, Nothing, 3)
  , Test "too few answers are told from none" . withSimClient ["--fault", "sim1:silent", "--fault", "sim2:silent"] defaultOptions $ \client -> do
      let soon = defaultQuery {queryTimeout = Just 300}
      try (askWith client soon ping) >>= (`equals` Left (TooFewReplied 1 2))
      result <- query client soon ping
      (resultOutcome result, replyAnswer <$> resultReply result) `equals` (Partial, Just (Answer 3000000))
  , Test "an error of the server is an exception of ask" . withSimClient [] defaultOptions $ \client -> do
      failed <- try (ask client (nodeRole "nobody"))
      case failed of
        Left (ServerError StatusError text) -> holds "it says why" (not (Text.null text))
        other -> holds ("it is the server's error: " <> show other) False
  , Test "one handler takes all exceptions of the package" . withSimClient [] defaultOptions $ \client -> do
      let caught act = either (\e -> displayException (e :: SomeConfdException)) (const "nothing") <$> try act
      caught (ask client (nodeRole "nobody")) >>= \said -> holds said (take 7 said == "confd: ")
      caught (updatePeers client []) >>= \said -> holds said (take 7 said == "confd: ")
  , Test "details are those of the green thread's own call" . withSilent $ \client -> do
      ends <- forM [1 .. 50 :: Int] $ \number -> do
        end <- newEmptyMVar
        let name = "wrong" <> show number <> "!"
        _ <- forkFinally (replicateM_ 100 (failsWithDetail BadPeer name (updatePeers client [Text.pack name]) >> yield)) (putMVar end)
        pure end
      mapM_ (\end -> takeMVar end >>= either throwIO pure) ends
  , Test "codes show their names" $ do
      show [BadPeer, Closed] `equals` "[BadPeer,Closed]"
      show (Just (Code 99)) `equals` "Just (Code 99)"
      codeNumber NoMemory `equals` 18
  , Test "peers are replaced" . withSim [] $ \sim -> withSilent $ \client -> do
      key (simKey sim) client
      updatePeers client (simPeers sim)
      ask client clusterMaster >>= (`equals` "node1.example.com")
      map peerAddress <$> peerStats client >>= (`equals` simPeers sim)
  , Test "a key is replaced" . withSim [] $ \sim ->
      withClient defaultOptions {optionRetry = Just 50} "another key" (simPeers sim) $ \client -> do
        try (askWith client defaultQuery {queryTimeout = Just 100} ping) >>= (`equals` Left (NobodyReplied 3))
        key (simKey sim) client
        ask client ping >>= (`equals` 3000000)
        failsWith InvalidArgument (setHmacKey client "")
  , Test "a client of a data directory reads it again" . withSim [] $ \sim -> inDirectory $ \dir -> do
      failsWithDetail BadClusterDir "hmac.key" (openClient defaultOptions (Just dir))
      Char8.writeFile (dir <> "/hmac.key") "another key\n"
      Text.writeFile (dir <> "/ssconf_master_candidates_ips") "127.0.0.1\n"
      let options = defaultOptions {optionPort = Just (simPort sim)}
      withCluster options (Just dir) $ \client -> do
        length <$> peerStats client >>= (`equals` 1)
        Char8.writeFile (dir <> "/hmac.key") (simKey sim)
        Text.writeFile (dir <> "/ssconf_master_candidates_ips") "127.0.0.1\n127.0.0.2\n127.0.0.3\n"
        reload client
        length <$> peerStats client >>= (`equals` 3)
        ask client clusterMaster >>= (`equals` "node1.example.com")
        removeFile (dir <> "/hmac.key")
        failsWithDetail BadClusterDir "hmac.key" (reload client)
        ask client clusterMaster >>= (`equals` "node1.example.com")
  , Test "only a client of a data directory can be read again" . withSilent $ failsWith InvalidArgument . reload
  , Test "options reach the library" . withSim silent $ \sim -> do
      let options = defaultOptions {optionRetry = Just 20, optionBindAddress = Just "127.0.0.1", optionReceiveBuffer = Just 65536}
      withClient options (simKey sim) (simPeers sim) $ \client -> do
        _ <- query client defaultQuery {queryTimeout = Just 200} ping
        counted <- stats client
        holds "it has asked again" (statsRetries counted > 0)
      withClient defaultOptions {optionRetry = Just 0} (simKey sim) (simPeers sim) $ \client -> do
        _ <- query client defaultQuery {queryTimeout = Just 1500} ping
        statsRetries <$> stats client >>= (`equals` 0)
      withClient defaultOptions {optionMaxRequestBytes = Just 100} (simKey sim) (simPeers sim) $ \client ->
        failsWith RequestTooBig (ask client ping)
  , Test "statistics count, for the client and for each peer" . withSimClient [] defaultOptions $ \client -> do
      _ <- query client defaultQuery {queryCoverage = AllPeers} clusterMaster
      counted <- stats client
      (statsRequests counted, statsDatagramsOut counted, statsOutstanding counted) `equals` (1, 3, 0)
      peers <- peerStats client
      map peerSent peers `equals` [1, 1, 1]
      holds "two have answered" (length (filter ((== 1) . peerAnswered) peers) >= 2)
      holds "with their serial" (42 `elem` map peerSerial peers)
  , Test "the library says its version" $ do
      version <- libraryVersion
      holds ("a version: " <> show version) (Text.count "." version == 2)
  ]
 where
  key = flip setHmacKey

inDirectory :: (FilePath -> IO a) -> IO a
inDirectory act = withConfig "" $ \path -> do
  let dir = path <> ".d"
  bracket_ (createDirectory dir) (removeDirectoryRecursive dir) (act dir)
