{-# LANGUAGE OverloadedStrings #-}

-- |
-- The simulated daemons that the tests ask.
module Sim
  ( Sim (..)
  , withSim
  , withSimClient
  , withSilent
  , silent
  , simPort
  , withConfig
  , endless
  ) where

import Control.Exception (bracket)
import Data.ByteString (ByteString)
import Data.Text (Text)
import qualified Data.Text as Text
import Data.Text.Read (decimal)
import Data.Word (Word16)
import Network.Confd
import System.Directory (getTemporaryDirectory, removeFile)
import System.Environment (lookupEnv)
import System.IO
import System.Process

-- | Where it listens, and its key.
data Sim = Sim
  { simPeers :: ![Text]
  , simKey :: !ByteString
  }

-- | Runs the simulator that CONFD_SIM names, with three candidates and these arguments more.
withSim :: [String] -> (Sim -> IO a) -> IO a
withSim more act = bracket start stop (act . fst)
 where
  three = concat [["--address", address] | address <- ["127.0.0.1", "127.0.0.2", "127.0.0.3"]]
  start = do
    named <- lookupEnv "CONFD_SIM"
    program <- maybe (fail "CONFD_SIM does not name the simulator: run `make haskell-tests`") pure named
    let arguments = ["--until-eof", "--seconds", "300", "--key", "test key\n"] <> three <> more
    -- It ends when its standard input does, which is with this program at the latest.
    started <- createProcess (proc program arguments) {std_in = CreatePipe, std_out = CreatePipe}
    case started of
      (Just hold, Just out, _, process) -> do
        peers <- ready out
        pure (Sim peers "test key\n", (hold, out, process))
      _ -> fail "no pipes to the simulator"
  ready out = do
    line <- Text.pack <$> hGetLine out
    case Text.words line of
      ["ready", _, address] -> (address :) <$> ready out
      "serving" : _ -> pure []
      _ -> ready out
  stop (_, (hold, out, process)) = do
    hClose hold
    hClose out
    _ <- waitForProcess process
    pure ()

-- | The same with a client of all of the candidates.
withSimClient :: [String] -> Options -> (Client -> IO a) -> IO a
withSimClient more options act = withSim more $ \sim -> withClient options (simKey sim) (simPeers sim) act

-- | A client of candidates that never answer.
withSilent :: (Client -> IO a) -> IO a
withSilent = withSimClient silent defaultOptions

-- | The arguments for that.
silent :: [String]
silent = ["--fault", "silent"]

-- | The port that the candidates share.
simPort :: Sim -> Word16
simPort sim = either (const 0) fst (decimal (Text.takeWhileEnd (/= ':') (Text.concat (take 1 (simPeers sim)))))

-- | A file with this text.
withConfig :: String -> (FilePath -> IO a) -> IO a
withConfig text act = do
  dir <- getTemporaryDirectory
  bracket (openTempFile dir "confd.json") (removeFile . fst) $ \(path, handle) -> do
    hPutStr handle text
    hClose handle
    act path

-- | A query with no limit of time.
endless :: QueryOptions
endless = defaultQuery {queryTimeout = Nothing}
