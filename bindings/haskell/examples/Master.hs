-- | Prints the name of the cluster's master, on a node of the cluster or, with the address of each master candidate
-- as an argument and the bytes of hmac.key on standard input, anywhere else.
module Main (main) where

import qualified Data.ByteString as ByteString
import qualified Data.Text as Text
import qualified Data.Text.IO as Text
import Network.Confd
import System.Environment (getArgs)

main :: IO ()
main = do
  peers <- map Text.pack <$> getArgs
  key <- if null peers then pure ByteString.empty else ByteString.getContents
  let with = if null peers then withCluster defaultOptions Nothing else withClient defaultOptions key peers
  with (`ask` clusterMaster) >>= Text.putStrLn
