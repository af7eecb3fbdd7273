# Two nodes that know each other: keys, tokens, addresses. Knows nothing of what they tell.
package NodePair;

use strict;
use warnings FATAL => 'all';

use BridgeTest;
use Exporter 'import';
our @EXPORT = qw(acquaint start_bridges);

# Each is a partner of the other and may ask it for tokens; before their bridges start.
sub acquaint
{
	my @nodes = @_;
	for (0, 1)
	{
		my ($node, $peer) = @nodes[ $_, 1 - $_ ];
		mkdir "$node->{folder}/secrets", 0700 or die $!;
		$node->{settings}{secrets_directory} = "$node->{folder}/secrets";
		$node->sql("SELECT casesync.set_partner('$peer->{sender_id}', '@{[ $peer->base_url ]}', networks => '{127.0.0.0/8}');
			SELECT casesync.add_key('$peer->{sender_id}', '@{[ $peer->public_key ]}')");
	}
	for (0, 1)
	{
		my ($node, $peer) = @nodes[ $_, 1 - $_ ];
		my ($client, $secret) = $peer->client($node->{sender_id});
		open my $file, '>', "$node->{folder}/secrets/peer" or die $!;
		print $file $secret;
		close $file;
		chmod 0600, "$node->{folder}/secrets/peer" or die $!;
		$node->sql("SELECT casesync.set_partner('$peer->{sender_id}', token_url => '@{[ $peer->base_url ]}/oauth2/client/token',
			client_id => '$client', secret_name => 'peer')");
	}
	return;
}

sub start_bridges
{
	my @nodes = @_;
	$_->start_bridge for @nodes;
	$_->wait_ready for @nodes;
	return;
}

1;
